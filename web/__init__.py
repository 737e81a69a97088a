"""The page and the dashboard: templates, style sheets, JavaScript."""
