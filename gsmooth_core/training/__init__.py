"""Training for certification: classifiers that live with the noise, and surrogates that imitate or restore."""
