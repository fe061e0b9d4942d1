"""Java functions: AWS's own runtime interface client, installed into the runtime folder, and how it is started."""
