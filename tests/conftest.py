"""Puts `world` in reach of every test."""
