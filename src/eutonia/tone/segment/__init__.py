"""The spiking spinal segment: motoneurons, afferents, interneurons of soleus and tibialis anterior, at 0.1 ms."""
