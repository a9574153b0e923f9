#!/usr/bin/env bash
# Give each service its own PostgreSQL role and password, once, when the database is made.
# Schemas and grants are made by `quotewright provision`, which leaves existing roles as they are.
set -euo pipefail

for service in quotes configurator pricer approvals documents crm_projector; do
  variable="${service^^}_DB_PASSWORD"
  psql -v ON_ERROR_STOP=1 -U postgres -d quotewright \
    -v role="quotewright_$service" -v password="${!variable}" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
done
