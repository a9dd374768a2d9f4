"""The project's own tests: of the kit, the report and the catalogue of faults."""
