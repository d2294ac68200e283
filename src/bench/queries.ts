/** One tile of a dashboard. */
export interface DashboardQuery {
  name: string;
  /** What the tile shows, for the list in the docs. */
  about: string;
  /**
   * Parameters: {now:DateTime} the present, {user:UUID} a user. Given from outside and not by now(), so that a statement can be
   * asked twice and must answer the same.
   */
  sql: string;
}

const today = 'toDate({now:DateTime})';
const windowStart = (minutes: number) => `toStartOfMinute({now:DateTime}) - toIntervalMinute(${minutes})`;

/** What a shop's dashboards ask of the speed layer; scenario `query` asks all of them in turn. */
export const dashboardQueries: readonly DashboardQuery[] = [
  {
    name: 'events_last_minutes',
    about: 'events by type, the last five full minutes and the present one',
    sql: `SELECT event_type, sum(events) AS events FROM events_by_minute_mv WHERE minute >= ${windowStart(5)} GROUP BY event_type ORDER BY event_type`,
  },
  {
    name: 'events_by_minute',
    about: 'events a minute of the last hour, for the line chart',
    sql: `SELECT minute, sum(events) AS events FROM events_by_minute_mv WHERE minute >= ${windowStart(60)} GROUP BY minute ORDER BY minute`,
  },
  {
    name: 'active_users_now',
    about: 'users seen within the last five minutes',
    sql: `SELECT uniqCombined(12)(user_id) AS active_users FROM user_events_realtime WHERE toStartOfMinute(timestamp) >= ${windowStart(5)}`,
  },
  {
    name: 'revenue_by_minute',
    about: 'completed sales and their sum a minute of the last hour',
    sql: `SELECT minute, purchases, revenue FROM revenue_by_minute_mv WHERE minute >= ${windowStart(60)} ORDER BY minute`,
  },
  {
    name: 'revenue_today',
    about: 'completed sales, revenue and the average basket of today',
    sql: `SELECT sum(purchases) AS sales, sum(revenue) AS total, round(toFloat64(total) / nullIf(sales, 0), 2) AS average FROM product_performance_mv WHERE day = ${today}`,
  },
  {
    name: 'funnel_today',
    about: 'users who reached each step of the funnel today',
    sql: `SELECT count() AS users, countIf(page_views > 0) AS viewed_pages, countIf(product_views > 0) AS viewed_products, countIf(carts > 0) AS filled_carts, countIf(checkouts > 0) AS checked_out, countIf(purchases > 0) AS bought FROM conversion_funnel_mv WHERE day = ${today}`,
  },
  {
    name: 'top_products_today',
    about: 'the 20 products of today with the most revenue',
    sql: `SELECT product_id, views, carts, purchases, revenue FROM product_performance_mv WHERE day = ${today} ORDER BY revenue DESC, product_id LIMIT 20`,
  },
  {
    name: 'tiers_today',
    about: 'events and users by tier and type today',
    sql: `SELECT user_tier, event_type, events, unique_users FROM tier_activity_mv WHERE day = ${today} ORDER BY user_tier, event_type`,
  },
  {
    name: 'sessions_today',
    about: 'sessions of today, those that bought something, and events a session',
    sql: `SELECT sessions, buying_sessions, events / nullIf(sessions, 0) AS events_per_session FROM session_summary_mv WHERE day = ${today}`,
  },
  {
    name: 'user_activity',
    about: "one user's events by type today",
    sql: `SELECT event_type, events, unique_sessions FROM user_activity_summary_mv WHERE day = ${today} AND user_id = {user:UUID} ORDER BY event_type`,
  },
  {
    name: 'user_sessions',
    about: "one user's ten newest sessions",
    sql: 'SELECT session_id, session_start, duration_seconds, events, purchases FROM sessions_realtime WHERE user_id = {user:UUID} ORDER BY session_start DESC, session_id LIMIT 10',
  },
];
