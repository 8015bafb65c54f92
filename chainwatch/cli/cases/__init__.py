"""Commands on cases as files: writing a case file, bundles of a case."""
