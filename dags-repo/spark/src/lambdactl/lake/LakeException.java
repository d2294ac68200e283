package lambdactl.lake;

/** An expected failure; its code is one of docs/errors.md, its message one line. */
public final class LakeException extends RuntimeException {
  final String code;

  LakeException(String code, String message) {
    super(message);
    this.code = code;
  }

  /** The first line of the deepest cause that says anything: what a person needs to hear. */
  static String oneLine(Throwable thrown) {
    String text = null;
    for (Throwable e = thrown; e != null; e = e.getCause()) {
      if (e.getMessage() != null && !e.getMessage().isBlank()) text = e.getMessage();
      if (e.getCause() == e) break;
    }
    if (text == null) return thrown.getClass().getSimpleName();
    String line = text.strip().lines().findFirst().orElse("").strip();
    return line.length() > 500 ? line.substring(0, 500) + "…" : line;
  }
}
