"""Figures about the noise: laws on a parameter, variances in a table, and what the classifier sees, as pictures.

They answer the questions of Hao et al. (2022), Figure 3, Table 3 and Figure 4, for any model and images. Pictures need
the extra ``report``.
"""
