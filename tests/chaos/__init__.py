"""The attack on the whole product: everything that can be killed, cut or filled is, and then every promise is checked."""
