"""Training for certification: classifiers that work under the noise, and surrogates that imitate or restore."""
