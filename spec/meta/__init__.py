"""Tests of the kit, the report and the catalogue of faults: the house's own."""
