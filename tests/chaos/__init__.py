"""The attack on the whole product: what can be killed, cut or filled is, and then every promise is checked."""
