"""The whole grammar of routes.yaml as strict, frozen models, delivered in this version or not."""
