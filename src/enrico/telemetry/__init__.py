"""Metrics and traces of runs, through OpenTelemetry. Imported only when settings ask for it."""
