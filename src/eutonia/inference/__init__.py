"""From a recording of a limb back to what resists in it."""
