"""IAM policies as functions answer them: read strictly, then asked whether one route may be invoked. Pure."""
