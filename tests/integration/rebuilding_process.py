"""A process that carries out the rebuild of a database, to be killed: `python -m ... <dsn>`."""

import sys
import time

from infra.postgres import open_pool
from services.crm_projector import rebuild
from services.crm_projector.lean import LeanRegistry


def main() -> None:
    """Build until there is nothing to do; small slow steps, so that it is killed in the middle."""
    rebuild.FACTS_PAGE, rebuild.LAST_FACTS_MAX = 7, 2
    pool = open_pool(sys.argv[1], "crm_projector", (1, 2))
    job = rebuild.Rebuilding(pool, LeanRegistry())
    while job.step():
        time.sleep(0.05)
    pool.close()


if __name__ == "__main__":
    main()
