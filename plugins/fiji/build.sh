#!/bin/sh
# Makes SAM_Droplet.jar in the folder OUT: build.sh IJ_JAR OUT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2/classes"
# For the Java 8 of older Fijis; newer compilers warn of it.
javac --release 8 -Xlint:-options -cp "$1" -d "$2/classes" "$here/SAM_Droplet.java"
jar cf "$2/SAM_Droplet.jar" -C "$2/classes" . -C "$here" plugins.config
