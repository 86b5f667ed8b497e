"""The benchmark of common corruptions by Hendrycks and Dietterich (2019), and accuracy under it."""
