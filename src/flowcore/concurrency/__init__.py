"""The loop, the wake-ups and the supervision that every service shares. AnyIO lives from here upwards."""
