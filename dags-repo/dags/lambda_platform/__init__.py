"""What the DAGs share: steps that call lambdactl, and alerts. Imported, never scanned for DAGs (.airflowignore)."""
