package lambdactl.connect;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.Map;

/** GET /restarts of the worker's REST API. */
@Path("/restarts")
public final class Restarts {
  private final Healer healer;

  Restarts(Healer healer) {
    this.healer = healer;
  }

  @GET
  @Produces(MediaType.APPLICATION_JSON)
  public Map<String, Object> restarts() {
    return healer.restarts();
  }
}
