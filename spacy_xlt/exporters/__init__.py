"""Write a trained pipeline with an encoder that is fast on a CPU: `export.export`."""
