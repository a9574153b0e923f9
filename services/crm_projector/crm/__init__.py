"""CRM adapters: each speaks one CRM's dialect and satisfies `port.CrmPort`."""
