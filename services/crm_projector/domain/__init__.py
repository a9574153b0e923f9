"""Pure decisions of crm_projector: translating CRM events, folding facts into what people read."""
