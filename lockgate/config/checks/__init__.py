"""What the models cannot see: names that must exist, files that must be there, routes that conflict."""
