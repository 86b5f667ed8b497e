"""How noise enters between an image and the model: distributions, smoothings, surrogates."""
