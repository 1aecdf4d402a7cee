"""Packages of plugins: their layout, the registries they come from, signatures and indexes."""
