"""Any artifact and any photograph: colour at the photograph's own resolution."""
