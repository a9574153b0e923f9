"""crm_projector: CRMs in, read models and analytics, status back into the CRM."""
