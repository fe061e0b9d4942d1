"""Which signature algorithms go together: an issuer has those of one family (J1)."""

RS_FAMILY = ("RS256", "RS384", "RS512")  # API Gateway takes RSA with PKCS #1 v1.5 only
PS_FAMILY = ("PS256", "PS384", "PS512")
ES_FAMILY = ("ES256", "ES384", "ES512")
FAMILIES = (RS_FAMILY, PS_FAMILY, ES_FAMILY)
