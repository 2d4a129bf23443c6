"""Datasets of scikit-learn for specnet. The library is imported when one of them is loaded, not before."""
