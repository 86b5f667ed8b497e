"""Figures about the noise: distributions on a parameter, variances in a table, pictures of what the classifier sees.

They answer the questions of Hao et al. (2022), Figure 3, Table 3 and Figure 4, for any model and images. Pictures need
the extra ``report``.
"""
