// One statement through pgjdbc; the connection comes on stdin, as java.util.Properties reads it.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.Properties;

public class OneStatement {
  public static void main(String[] parameters) throws Exception {
    Properties with = new Properties();
    with.load(System.in);
    String url = with.remove("url").toString();
    try (Connection connection = DriverManager.getConnection(url, with);
        ResultSet rows = connection.createStatement().executeQuery(parameters[0])) {
      while (rows.next()) System.out.println(rows.getString(1));
    }
  }
}
