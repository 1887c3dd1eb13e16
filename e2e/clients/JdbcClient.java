// pgjdbc: the place comes as lines "name=value" on stdin, one line of JSON goes out with what became of each capability.
import java.io.*;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

public class JdbcClient {
  interface Work { void run() throws Exception; }

  static final Map<String, String> outcomes = new LinkedHashMap<>();
  static Properties place = new Properties();

  public static void main(String[] arguments) throws Exception {
    place.load(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    attempt("types in text", () -> typed(connect(Map.of("binaryTransfer", "false"))));
    // Below zero: binary from the first execution.
    attempt("types in binary", () -> typed(connect(Map.of("prepareThreshold", "-1"))));
    attempt("transactions", JdbcClient::transactions);
    attempt("errors", JdbcClient::errors);
    attempt("COPY", JdbcClient::copy);
    attempt("cursors", JdbcClient::cursors);
    attempt("cancel", JdbcClient::cancel);
    attempt("notifications", JdbcClient::notifications);
    attempt("large results", JdbcClient::large);
    attempt("1,000 pipelined statements", JdbcClient::pipelined);
    attempt("masks", JdbcClient::masks);
    attempt("the deny rule", JdbcClient::denied);
    StringBuilder json = new StringBuilder("{");
    for (Map.Entry<String, String> one : outcomes.entrySet())
      json.append(json.length() > 1 ? "," : "").append(quote(one.getKey())).append(":").append(quote(one.getValue()));
    System.out.println(json.append("}"));
  }

  static String quote(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray())
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < 32) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    return out.append('"').toString();
  }

  static void attempt(String name, Work work) {
    try {
      work.run();
      outcomes.put(name, "done");
    } catch (Throwable thrown) {
      StringWriter words = new StringWriter();
      thrown.printStackTrace(new PrintWriter(words));
      outcomes.put(name, "failed: " + words);
    }
  }

  static void check(boolean holds, String words) {
    if (!holds) throw new AssertionError(words);
  }

  static Connection connect(Map<String, String> more) throws SQLException {
    Properties with = new Properties();
    with.setProperty("user", place.getProperty("user"));
    with.setProperty("password", place.getProperty("password"));
    with.setProperty("sslmode", "verify-full");
    with.setProperty("sslrootcert", place.getProperty("caFile"));
    with.putAll(more);
    String url = "jdbc:postgresql://" + place.getProperty("host") + ":" + place.getProperty("port") + "/"
        + place.getProperty("database");
    return DriverManager.getConnection(url, with);
  }

  static Connection connect() throws SQLException {
    return connect(Map.of());
  }

  static long number(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(text)) {
      rows.next();
      return rows.getLong(1);
    }
  }

  static SQLException refused(Work work) throws Exception {
    try {
      work.run();
    } catch (SQLException refusal) {
      return refusal;
    }
    throw new AssertionError("nothing was refused");
  }

  static void typed(Connection connection) throws Exception {
    String text = "SELECT i4, i8, f8, n, t, b, bo, d, tz, u, jb::text, ia FROM typed WHERE id = ?";
    try (connection; PreparedStatement statement = connection.prepareStatement(text)) {
      // Several times: a statement of the server's from the fifth on.
      for (int turn = 0; turn < 7; turn++) {
        statement.setInt(1, 1);
        try (ResultSet rows = statement.executeQuery()) {
          check(rows.next(), "no row");
          check(rows.getInt(1) == 2 && rows.getLong(2) == 3 && rows.getDouble(3) == 2.5, "numbers");
          check(rows.getBigDecimal(4).equals(new BigDecimal("123.4500")), "numeric " + rows.getBigDecimal(4));
          check(rows.getString(5).equals("text") && Arrays.equals(rows.getBytes(6), new byte[] {0, -1, 16}), "bytes");
          check(rows.getBoolean(7) && rows.getDate(8).toLocalDate().toString().equals("2024-02-29"), "date");
          check(rows.getTimestamp(9).toInstant().toString().equals("2024-02-29T10:34:56.789Z"), "timestamptz");
          check(rows.getObject(10).equals(UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")), "uuid");
          check(rows.getString(11).equals("{\"b\": [1, 2]}"), "jsonb");
          check(Arrays.equals((Integer[]) rows.getArray(12).getArray(), new Integer[] {1, null, 3}), "array");
        }
      }
    }
  }

  static void transactions() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.executeUpdate("INSERT INTO notes VALUES (760, 1, 'undone', NULL, NULL)");
      connection.rollback();
      statement.executeUpdate("INSERT INTO notes VALUES (761, 1, 'kept', NULL, NULL)");
      Savepoint savepoint = connection.setSavepoint("s");
      refused(() -> statement.executeUpdate("INSERT INTO notes VALUES (761, 1, 'twice', NULL, NULL)"));
      check(refused(() -> statement.executeQuery("SELECT 1")).getSQLState().equals("25P02"), "the block failed");
      connection.rollback(savepoint);
      connection.commit();
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      check(number(connection, "SELECT count(*) FROM notes WHERE id IN (760, 761)") == 1, "one is kept");
      connection.commit();
    }
  }

  static void errors() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      SQLException twice = refused(() -> statement.executeUpdate("INSERT INTO items (name, price) VALUES ('pen', 1)"));
      check(twice.getSQLState().equals("23505"), twice.getSQLState());
      org.postgresql.util.ServerErrorMessage message = ((org.postgresql.util.PSQLException) twice).getServerErrorMessage();
      check(message.getConstraint().equals("items_name_key") && message.getDetail().contains("pen"), "fields");
      check(refused(() -> statement.executeQuery("SELEC 1")).getSQLState().equals("42601"), "syntax");
      check(refused(() -> statement.executeQuery("SELECT 1/0")).getSQLState().equals("22012"), "division");
    }
  }

  static void copy() throws Exception {
    try (Connection connection = connect()) {
      CopyManager manager = connection.unwrap(PGConnection.class).getCopyAPI();
      long in = manager.copyIn("COPY notes (id, person, body) FROM STDIN", new StringReader("770\t1\ta\n771\t1\tb\n"));
      StringWriter out = new StringWriter();
      manager.copyOut("COPY (SELECT id FROM notes WHERE id IN (770, 771) ORDER BY id) TO STDOUT", out);
      check(in == 2 && out.toString().equals("770\n771\n"), out.toString());
    }
  }

  static void cursors() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.setFetchSize(100);
      long sum = 0;
      try (ResultSet rows = statement.executeQuery("SELECT id FROM big ORDER BY id")) {
        while (rows.next()) sum += rows.getLong(1);
      }
      check(sum == 4501500, "sum " + sum);
      connection.commit();
    }
  }

  static void cancel() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      Thread canceller = new Thread(() -> {
        try {
          // A cancel that comes before the statement runs does nothing, so it is sent again.
          while (!Thread.interrupted()) {
            statement.cancel();
            Thread.sleep(100);
          }
        } catch (InterruptedException | SQLException ended) {
        }
      });
      canceller.start();
      SQLException refusal = refused(() -> statement.executeQuery("SELECT pg_sleep(60)"));
      canceller.interrupt();
      canceller.join();
      check(refusal.getSQLState().equals("57014"), refusal.getSQLState());
    }
  }

  static void notifications() throws Exception {
    try (Connection connection = connect(); Connection other = connect()) {
      connection.createStatement().execute("LISTEN pgjdbc");
      other.createStatement().execute("NOTIFY pgjdbc, 'heard'");
      org.postgresql.PGNotification[] heard = connection.unwrap(PGConnection.class).getNotifications(10_000);
      check(heard != null && heard.length == 1 && heard[0].getParameter().equals("heard"), "nothing came");
    }
  }

  static void large() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      int count = 0;
      try (ResultSet rows = statement.executeQuery("SELECT id, pad FROM big ORDER BY id")) {
        while (rows.next()) {
          check(rows.getString(2).length() == 256, "length");
          count++;
        }
      }
      check(count == 3000, "count " + count);
      try (ResultSet rows = statement.executeQuery("SELECT repeat('x', 2000000)")) {
        rows.next();
        check(rows.getString(1).length() == 2_000_000, "a long value");
      }
    }
  }

  static void pipelined() throws Exception {
    try (Connection connection = connect();
        PreparedStatement statement = connection.prepareStatement("UPDATE items SET stock = ? WHERE name = 'ink'")) {
      for (int turn = 0; turn < 1000; turn++) {
        statement.setInt(1, turn % 100);
        statement.addBatch();
      }
      check(Arrays.stream(statement.executeBatch()).sum() == 1000, "each changes a row");
      check(number(connection, "SELECT stock FROM items WHERE name = 'ink'") == 99, "the last one counts");
    }
  }

  static void masks() throws Exception {
    for (String threshold : List.of("5", "-1"))
      try (Connection connection = connect(Map.of("prepareThreshold", threshold));
          PreparedStatement statement = connection.prepareStatement("SELECT email, born FROM people WHERE id = ?")) {
        statement.setInt(1, 1);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          check(rows.getString(1).equals("***@example.test"), rows.getString(1));
          check(rows.getDate(2).toLocalDate().toString().equals("1980-01-01"), rows.getString(2));
        }
      }
  }

  static void denied() throws Exception {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      SQLException refusal = refused(() -> statement.executeQuery("SELECT * FROM vault"));
      check(refusal.getSQLState().equals("42501") && refusal.getMessage().contains("POLICY_DENIED"), refusal.getMessage());
      statement.addBatch("INSERT INTO notes VALUES (780, 1, 'undone', NULL, NULL)");
      statement.addBatch("UPDATE vault SET secret = 'x'");
      refused(statement::executeBatch);
      check(number(connection, "SELECT count(*) FROM notes WHERE id = 780") <= 1, "count");
    }
  }
}
