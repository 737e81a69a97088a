// Sends the image that is open, or what is selected in it, to a SAM Droplet service, and adds an object for each
// droplet and bead that it finds, with all figures as measurements. docs/labs/qupath.md says how to use it.

import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.awt.geom.AffineTransform
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.util.zip.ZipInputStream
import qupath.lib.io.PathIO
import qupath.lib.objects.PathObjectTools
import qupath.lib.regions.RegionRequest

def address = 'http://127.0.0.1:9487'
def key = System.getenv('SAM_DROPLET_KEY') ?: 'sam-demo-key-123'
def options = [quality: 'balanced']

// What is sent: the region in full resolution, as TIFF
def server = getCurrentServer()
def selected = getSelectedObject()?.getROI()
def region = selected == null
    ? RegionRequest.createInstance(server, 1.0)
    : RegionRequest.createInstance(server.getPath(), 1.0, selected)
def calibration = server.getPixelCalibration()
if (calibration.hasPixelSizeMicrons()) {
    options.pixel_size_um = calibration.getAveragedPixelSizeMicrons()
}
def file = Files.createTempFile('region', '.tif')
byte[] picture
try {
    writeImageRegion(server, region, file.toString())
    picture = Files.readAllBytes(file)
} finally {
    Files.deleteIfExists(file)
}

// A form of two parts
def boundary = 'sam-droplet-boundary-5c1f0f5e'
def body = new ByteArrayOutputStream()
def part = { String disposition, byte[] content ->
    body.write("--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n".getBytes('UTF-8'))
    body.write(content)
    body.write('\r\n'.getBytes('UTF-8'))
}
part('name="options"', JsonOutput.toJson(options).getBytes('UTF-8'))
part('name="file"; filename="region.tif"', picture)
body.write("--${boundary}--\r\n".getBytes('UTF-8'))
def request = HttpRequest.newBuilder(URI.create("${address}/download_analysis"))
    .header('X-API-Key', key)
    .header('Content-Type', "multipart/form-data; boundary=${boundary}")
    .POST(HttpRequest.BodyPublishers.ofByteArray(body.toByteArray()))
    .build()
def answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray())
if (answer.statusCode() != 200) {
    throw new IOException(new JsonSlurper().parse(answer.body()).message as String)
}

// Outlines in the answer lie in the region; in the image they lie where that does
def objects = []
new ZipInputStream(new ByteArrayInputStream(answer.body())).withCloseable { archive ->
    for (def entry = archive.nextEntry; entry != null; entry = archive.nextEntry) {
        if (entry.name.endsWith('outlines.geojson')) {
            objects = PathIO.readObjectsFromGeoJSON(new ByteArrayInputStream(archive.readAllBytes()))
        }
    }
}
def place = AffineTransform.getTranslateInstance(region.getX(), region.getY())
addObjects(objects.collect { PathObjectTools.transformObject(it, place, true) })
println "${objects.size()} objects"
