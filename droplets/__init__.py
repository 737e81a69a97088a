"""Image science of droplets: no Flask, no globals, no environment. One module is one stage."""
