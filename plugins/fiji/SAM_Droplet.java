import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.Prefs;
import ij.gui.GenericDialog;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.io.FileSaver;
import ij.io.RoiDecoder;
import ij.measure.ResultsTable;
import ij.plugin.PlugIn;
import ij.plugin.filter.Analyzer;
import ij.plugin.frame.RoiManager;
import java.awt.GraphicsEnvironment;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Sends the open picture to a SAM Droplet service and shows what it finds: outlines in the ROI manager and
 * over the picture, figures in the results table.
 *
 * Runs in Fiji and in plain ImageJ 1, by its menu or by
 * run("SAM Droplet...", "address=http://127.0.0.1:9487 key=KEY options=[{}]") of a macro.
 * Without a screen there is no ROI manager; outlines are over the picture alone.
 */
public class SAM_Droplet implements PlugIn {
    private static final String ADDRESS = "http://127.0.0.1:9487";
    private static final String BOUNDARY = "sam-droplet-boundary-5c1f0f5e";
    private static final int CONNECT_MS = 10_000;
    private static final int ANSWER_MS = 600_000;
    private static final Pattern MESSAGE = Pattern.compile("\"message\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");

    /** What the service is asked: where, with which key, and its options as JSON. */
    private static final class Asked {
        final String address;
        final String key;
        final String options;

        Asked(String address, String key, String options) {
            this.address = address.replaceAll("/+$", "");
            this.key = key;
            this.options = options;
        }
    }

    @Override
    public void run(String argument) {
        ImagePlus picture = IJ.getImage();
        Asked asked = ask();
        if (asked == null) {
            return;
        }
        try {
            IJ.showStatus("SAM Droplet is looking");
            show(picture, send(plane(picture), asked));
        } catch (IOException error) {
            IJ.error("SAM Droplet", error.getMessage());
        }
    }

    /** By the macro or by a dialog; null if that is cancelled. The key is never written to the disk. */
    private static Asked ask() {
        String address = Prefs.get("samdroplet.address", ADDRESS);
        String macro = Macro.getOptions();
        if (macro != null) {
            return new Asked(
                    Macro.getValue(macro, "address", address),
                    Macro.getValue(macro, "key", ""),
                    Macro.getValue(macro, "options", "{}"));
        }
        GenericDialog dialog = new GenericDialog("SAM Droplet");
        dialog.addStringField("Address", address, 30);
        dialog.addStringField("Key", "", 30);
        dialog.addStringField("Options", "{}", 30);
        dialog.showDialog();
        if (dialog.wasCanceled()) {
            return null;
        }
        Asked asked = new Asked(dialog.getNextString(), dialog.getNextString(), dialog.getNextString());
        Prefs.set("samdroplet.address", asked.address);
        return asked;
    }

    /** The plane in view as TIFF, which tells the service the pixel size. */
    private static byte[] plane(ImagePlus picture) {
        ImagePlus plane = new ImagePlus(picture.getTitle(), picture.getProcessor());
        plane.setCalibration(picture.getCalibration());
        return new FileSaver(plane).serialize();
    }

    /** The ZIP file of /download_analysis. What is wrong is said as the service says it. */
    private static byte[] send(byte[] tiff, Asked asked) throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) new URL(asked.address + "/download_analysis").openConnection();
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setConnectTimeout(CONNECT_MS);
        connection.setReadTimeout(ANSWER_MS);
        connection.setRequestProperty("X-API-Key", asked.key);
        connection.setRequestProperty("Content-Type", "multipart/form-data; boundary=" + BOUNDARY);
        try (OutputStream out = connection.getOutputStream()) {
            part(out, "name=\"options\"", asked.options.getBytes(StandardCharsets.UTF_8));
            part(out, "name=\"file\"; filename=\"picture.tif\"", tiff);
            out.write(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
        }
        if (connection.getResponseCode() == HttpURLConnection.HTTP_OK) {
            return all(connection.getInputStream());
        }
        InputStream answer = connection.getErrorStream();
        String body = answer == null ? "" : new String(all(answer), StandardCharsets.UTF_8);
        Matcher message = MESSAGE.matcher(body);
        throw new IOException(
                message.find() ? message.group(1) : "The service answers " + connection.getResponseCode() + ".");
    }

    private static void part(OutputStream out, String disposition, byte[] content) throws IOException {
        String head = "--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n";
        out.write(head.getBytes(StandardCharsets.UTF_8));
        out.write(content);
        out.write("\r\n".getBytes(StandardCharsets.UTF_8));
    }

    private static void show(ImagePlus picture, byte[] archive) throws IOException {
        List<Roi> rois = new ArrayList<>();
        try (ZipInputStream files = new ZipInputStream(new ByteArrayInputStream(archive))) {
            for (ZipEntry entry = files.getNextEntry(); entry != null; entry = files.getNextEntry()) {
                if (entry.getName().endsWith("rois_imagej.zip")) {
                    rois = outlines(all(files));
                } else if (entry.getName().endsWith("droplets.csv")) {
                    ResultsTable table = table(all(files));
                    Analyzer.setResultsTable(table); // for macros, also where no window is shown
                    table.show("Results");
                }
            }
        }
        Overlay overlay = new Overlay();
        rois.forEach(overlay::add);
        picture.setOverlay(overlay);
        if (!GraphicsEnvironment.isHeadless()) {
            RoiManager hidden = RoiManager.getInstance2(); // of a macro in batch mode
            RoiManager manager = hidden == null ? RoiManager.getRoiManager() : hidden;
            manager.reset();
            rois.forEach(manager::addRoi);
        }
        IJ.showStatus(rois.size() + " objects");
    }

    private static List<Roi> outlines(byte[] archive) throws IOException {
        List<Roi> rois = new ArrayList<>();
        try (ZipInputStream files = new ZipInputStream(new ByteArrayInputStream(archive))) {
            for (ZipEntry entry = files.getNextEntry(); entry != null; entry = files.getNextEntry()) {
                rois.add(RoiDecoder.openFromByteArray(all(files)));
            }
        }
        return rois;
    }

    /** ImageJ reads tables from files alone. */
    private static ResultsTable table(byte[] csv) throws IOException {
        File file = File.createTempFile("droplets", ".csv");
        try {
            Files.write(file.toPath(), csv);
            return ResultsTable.open(file.getPath());
        } finally {
            Files.delete(file.toPath());
        }
    }

    private static byte[] all(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[65536];
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
            out.write(buffer, 0, read);
        }
        return out.toByteArray();
    }
}
