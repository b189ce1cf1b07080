"""Any artifact and any photograph: color at the photograph's own resolution."""
