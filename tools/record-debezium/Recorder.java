import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Runs one Debezium engine and appends every event that it delivers to a file, one line each. Key and
 * value are the JSON converter's own text, spliced in and never parsed.
 *
 * <p>Run as a single source file: {@code java -cp JARS Recorder.java PROPERTIES OUTPUT}. Commands come
 * on standard input, one a line: {@code hold} (keep recording, but acknowledge nothing any more, as a
 * consumer would that dies before its commit) and {@code stop}; the end of the input also stops.
 */
public final class Recorder implements DebeziumEngine.ChangeConsumer<ChangeEvent<String, String>> {

    private final Writer out;
    private volatile boolean holding;

    private Recorder(Writer out) {
        this.out = out;
    }

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        try (Reader in = Files.newBufferedReader(Path.of(args[0]))) {
            settings.load(in);
        }

        CountDownLatch finished = new CountDownLatch(1);
        int[] status = {0};
        try (Writer out = Files.newBufferedWriter(Path.of(args[1]), StandardCharsets.UTF_8,
                StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            Recorder recorder = new Recorder(out);
            DebeziumEngine<ChangeEvent<String, String>> engine = DebeziumEngine.create(Json.class)
                    .using(settings)
                    .using((success, message, error) -> {
                        if (!success) {
                            System.err.println("engine failed: " + message);
                            if (error != null) {
                                error.printStackTrace();
                            }
                            status[0] = 1;
                        }
                        finished.countDown();
                    })
                    .notifying(recorder)
                    .build();

            ExecutorService thread = Executors.newSingleThreadExecutor();
            thread.execute(engine);
            Thread commands = new Thread(() -> recorder.obey(engine), "commands");
            commands.setDaemon(true);
            commands.start();
            finished.await();
            thread.shutdown();
        }
        System.exit(status[0]);
    }

    @Override
    public void handleBatch(List<ChangeEvent<String, String>> events,
            DebeziumEngine.RecordCommitter<ChangeEvent<String, String>> committer) throws InterruptedException {
        try {
            for (ChangeEvent<String, String> event : events) {
                // Topic names are [A-Za-z0-9._-] only (Debezium replaces the rest): no escapes needed.
                out.write("{\"topic\":\"" + event.destination() + "\",\"key\":" + event.key()
                        + ",\"value\":" + event.value() + "}\n");
            }
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (holding) {
            return;
        }
        for (ChangeEvent<String, String> event : events) {
            committer.markProcessed(event);
        }
        committer.markBatchFinished();
    }

    private void obey(DebeziumEngine<?> engine) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
            String line;
            while ((line = in.readLine()) != null && !line.equals("stop")) {
                holding = line.equals("hold");
                System.out.println(line);
            }
            engine.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
