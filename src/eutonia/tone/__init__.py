"""From lesion to motoneuron: descending bias, spinal reflex, contracture."""
