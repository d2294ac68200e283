/** How one mart is told again from what lies below it. Both statements give a row a key K with the same columns. */
export interface Mart {
  table: string;
  /** The rows as they should be. */
  base: string;
  /** The rows as they are; rows of one key are added up, so that a copy shows as more. */
  rows: string;
  /** Columns that count records, no record twice. */
  counts: readonly string[];
  /** Columns that must agree besides, money in its digits. */
  amounts: readonly string[];
  method: string;
}

/** Column of an event type in the marts (dags-repo/dbt/macros/event_types.sql). */
const typeColumns = {
  page_view: 'PAGE_VIEWS',
  product_view: 'PRODUCT_VIEWS',
  search: 'SEARCHES',
  add_to_cart: 'ADD_TO_CARTS',
  purchase: 'PURCHASES',
  remove_from_cart: 'REMOVE_FROM_CARTS',
  checkout_start: 'CHECKOUTS',
  login: 'LOGINS',
  logout: 'LOGOUTS',
} as const;
const types = Object.values(typeColumns);
const countTypes = Object.entries(typeColumns)
  .map(([type, column]) => `COUNT_IF(EVENT_TYPE = '${type}') AS ${column}`)
  .join(', ');

const events = 'STAGING.EVENTS_CLEANED';
const transactions = 'STAGING.INT_TRANSACTIONS_ALL';
const sessions = 'MARTS.USER_SESSIONS';
const list = (columns: readonly string[], wrap: (column: string) => string = (column) => column): string =>
  columns.map(wrap).join(', ');
const added = (columns: readonly string[]): string => list(columns, (column) => `SUM(${column}) AS ${column}`);
const key = (...parts: readonly string[]): string =>
  `CONCAT_WS('/', ${list(parts, (part) => `COALESCE(TO_VARCHAR(${part}), '~')`)}) AS K`;

/** Every mart of a date, those first on which others stand. */
export function martsOf(date: string, sessionTimeoutMinutes: number): readonly Mart[] {
  const day = `'${date}'::DATE`;
  return [
    userSessions(day, sessionTimeoutMinutes),
    dailyMetrics(day),
    productPerformance(day),
    sessionConversion(day),
    tierBehavior(day),
    customerLifetimeValue(),
  ];
}

/** Begin, end, user and session make the key: a session cut short or drawn out is lost and alien. */
function userSessions(day: string, timeoutMinutes: number): Mart {
  const counts = ['SESSIONS'];
  const amounts = ['EVENTS', ...types, 'TOTAL_SPENT', 'ITEMS_PURCHASED', 'CONVERTED'];
  // A day more on either side, for sessions over midnight.
  const valid =
    `SELECT e.USER_ID, e.SESSION_ID, e.EVENT_TYPE, e.TIMESTAMP, t.TOTAL_AMOUNT, t.QUANTITY FROM ${events} AS e ` +
    `LEFT JOIN ${transactions} AS t ON e.TRANSACTION_ID = t.TRANSACTION_ID AND t.IS_COMPLETED ` +
    `WHERE e.IS_VALID AND e.EVENT_DATE >= DATEADD('day', -1, ${day}) AND e.EVENT_DATE <= DATEADD('day', 1, ${day})`;
  const own = 'PARTITION BY USER_ID, SESSION_ID ORDER BY TIMESTAMP';
  const gaps = `SELECT *, LAG(TIMESTAMP) OVER (${own}) AS PREVIOUS FROM (${valid}) AS v`;
  const begins = `IFF(TIMESTAMP > DATEADD('minute', ${timeoutMinutes}, PREVIOUS), 1, 0)`;
  const islands = `SELECT *, SUM(${begins}) OVER (${own} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS ISLAND FROM (${gaps}) AS g`;
  const made =
    `SELECT USER_ID, SESSION_ID, MIN(TIMESTAMP) AS SESSION_START, MAX(TIMESTAMP) AS SESSION_END, COUNT(*) AS EVENTS, ${countTypes}, ` +
    `COALESCE(SUM(TOTAL_AMOUNT), 0) AS TOTAL_SPENT, COALESCE(SUM(QUANTITY), 0) AS ITEMS_PURCHASED FROM (${islands}) AS i GROUP BY USER_ID, SESSION_ID, ISLAND`;
  const sessionKey = key('USER_ID', 'SESSION_ID', 'SESSION_START', 'SESSION_END');
  return {
    table: sessions,
    base: `SELECT ${sessionKey}, 1 AS SESSIONS, EVENTS, ${list(types)}, TOTAL_SPENT, ITEMS_PURCHASED, IFF(PURCHASES > 0, 1, 0) AS CONVERTED FROM (${made}) AS s WHERE TO_DATE(SESSION_START) = ${day}`,
    rows: `SELECT ${sessionKey}, COUNT(*) AS SESSIONS, ${added(['EVENTS', ...types, 'TOTAL_SPENT', 'ITEMS_PURCHASED'])}, SUM(IFF(CONVERTED, 1, 0)) AS CONVERTED FROM ${sessions} WHERE SESSION_DATE = ${day} GROUP BY USER_ID, SESSION_ID, SESSION_START, SESSION_END`,
    counts,
    amounts,
    method: 'every session, made anew from the valid events of STAGING; its counts and sums must agree',
  };
}

function dailyMetrics(day: string): Mart {
  const ofEvents = `SELECT COUNT(*) AS EVENTS, COUNT(DISTINCT USER_ID) AS UNIQUE_USERS, ${countTypes} FROM ${events} WHERE IS_VALID AND EVENT_DATE = ${day}`;
  const ofSessions = `SELECT COUNT(*) AS SESSIONS, COUNT_IF(CONVERTED) AS CONVERTED_SESSIONS FROM ${sessions} WHERE SESSION_DATE = ${day}`;
  const ofSales =
    'SELECT COUNT(*) AS TRANSACTIONS, COUNT_IF(IS_COMPLETED) AS COMPLETED_TRANSACTIONS, COALESCE(SUM(IFF(IS_COMPLETED, TOTAL_AMOUNT, 0)), 0) AS REVENUE, ' +
    `COALESCE(SUM(IFF(IS_COMPLETED, QUANTITY, 0)), 0) AS ITEMS_SOLD FROM ${transactions} WHERE CREATED_DATE = ${day}`;
  const counts = [...types, 'TRANSACTIONS'];
  const amounts = [
    'EVENTS',
    'UNIQUE_USERS',
    'SESSIONS',
    'CONVERTED_SESSIONS',
    'COMPLETED_TRANSACTIONS',
    'ITEMS_SOLD',
    'REVENUE',
  ];
  return {
    table: 'MARTS.DAILY_METRICS',
    base: `SELECT TO_VARCHAR(${day}) AS K, ${list([...counts, ...amounts])} FROM (${ofEvents}) AS e CROSS JOIN (${ofSessions}) AS s CROSS JOIN (${ofSales}) AS t`,
    rows: `SELECT TO_VARCHAR(METRIC_DATE) AS K, ${added([...counts, ...amounts])} FROM MARTS.DAILY_METRICS WHERE METRIC_DATE = ${day} GROUP BY METRIC_DATE`,
    counts,
    amounts,
    method:
      'events by type and transactions of the date against STAGING; users, sessions, items and revenue must agree',
  };
}

function productPerformance(day: string): Mart {
  const counts = ['VIEWS', 'CARTS', 'REMOVALS', 'PURCHASES'];
  const amounts = ['ITEMS_SOLD', 'REVENUE', 'DISCOUNTS'];
  const ofEvents =
    "SELECT PRODUCT_ID, COUNT_IF(EVENT_TYPE = 'product_view') AS VIEWS, COUNT_IF(EVENT_TYPE = 'add_to_cart') AS CARTS, COUNT_IF(EVENT_TYPE = 'remove_from_cart') AS REMOVALS, " +
    `0 AS PURCHASES, 0 AS ITEMS_SOLD, 0 AS REVENUE, 0 AS DISCOUNTS FROM ${events} WHERE IS_VALID AND EVENT_DATE = ${day} AND PRODUCT_ID IS NOT NULL GROUP BY PRODUCT_ID`;
  const ofSales =
    'SELECT PRODUCT_ID, 0 AS VIEWS, 0 AS CARTS, 0 AS REMOVALS, COUNT(*) AS PURCHASES, SUM(QUANTITY) AS ITEMS_SOLD, SUM(TOTAL_AMOUNT) AS REVENUE, ' +
    `SUM(DISCOUNT_AMOUNT) AS DISCOUNTS FROM ${transactions} WHERE IS_COMPLETED AND CREATED_DATE = ${day} GROUP BY PRODUCT_ID`;
  return {
    table: 'MARTS.PRODUCT_PERFORMANCE',
    base: `SELECT ${key('PRODUCT_ID')}, ${added([...counts, ...amounts])} FROM (${ofEvents} UNION ALL ${ofSales}) AS u GROUP BY PRODUCT_ID`,
    rows: `SELECT ${key('PRODUCT_ID')}, ${added([...counts, ...amounts])} FROM MARTS.PRODUCT_PERFORMANCE WHERE METRIC_DATE = ${day} GROUP BY PRODUCT_ID`,
    counts,
    amounts,
    method: 'views, carts, removals and purchases by product against STAGING; items, discounts and revenue must agree',
  };
}

function sessionConversion(day: string): Mart {
  const amounts = ['WITH_PRODUCT_VIEW', 'WITH_CART', 'WITH_CHECKOUT', 'WITH_PURCHASE', 'REVENUE'];
  return {
    table: 'MARTS.SESSION_CONVERSION',
    base:
      `SELECT ${key('DEVICE_TYPE', 'BROWSER')}, COUNT(*) AS SESSIONS, COUNT_IF(PRODUCT_VIEWS > 0) AS WITH_PRODUCT_VIEW, COUNT_IF(ADD_TO_CARTS > 0) AS WITH_CART, ` +
      `COUNT_IF(CHECKOUTS > 0) AS WITH_CHECKOUT, COUNT_IF(CONVERTED) AS WITH_PURCHASE, SUM(TOTAL_SPENT) AS REVENUE FROM ${sessions} WHERE SESSION_DATE = ${day} GROUP BY DEVICE_TYPE, BROWSER`,
    rows: `SELECT ${key('DEVICE_TYPE', 'BROWSER')}, ${added(['SESSIONS', ...amounts])} FROM MARTS.SESSION_CONVERSION WHERE SESSION_DATE = ${day} GROUP BY DEVICE_TYPE, BROWSER`,
    counts: ['SESSIONS'],
    amounts,
    method: 'sessions by device and browser against MARTS.USER_SESSIONS; steps and revenue must agree',
  };
}

function tierBehavior(day: string): Mart {
  const amounts = [
    'EVENTS',
    'PRODUCT_VIEWS',
    'ADD_TO_CARTS',
    'PURCHASES',
    'CONVERTED_SESSIONS',
    'REVENUE',
    'ITEMS_PURCHASED',
  ];
  const tier = "COALESCE(u.TIER, 'unknown')";
  return {
    table: 'MARTS.TIER_BEHAVIOR',
    base:
      `SELECT ${tier} AS K, COUNT(*) AS SESSIONS, SUM(s.EVENTS) AS EVENTS, SUM(s.PRODUCT_VIEWS) AS PRODUCT_VIEWS, SUM(s.ADD_TO_CARTS) AS ADD_TO_CARTS, SUM(s.PURCHASES) AS PURCHASES, ` +
      'COUNT_IF(s.CONVERTED) AS CONVERTED_SESSIONS, SUM(s.TOTAL_SPENT) AS REVENUE, SUM(s.ITEMS_PURCHASED) AS ITEMS_PURCHASED ' +
      `FROM ${sessions} AS s LEFT JOIN STAGING.STG_USERS AS u ON s.USER_ID = u.USER_ID WHERE s.SESSION_DATE = ${day} GROUP BY ${tier}`,
    rows: `SELECT TIER AS K, ${added(['SESSIONS', ...amounts])} FROM MARTS.TIER_BEHAVIOR WHERE METRIC_DATE = ${day} GROUP BY TIER`,
    counts: ['SESSIONS'],
    amounts,
    method: 'sessions by tier against MARTS.USER_SESSIONS; counts and revenue must agree',
  };
}

/** Of all dates, as the mart is. */
function customerLifetimeValue(): Mart {
  const amounts = ['COMPLETED_ORDERS', 'ITEMS_PURCHASED', 'LIFETIME_VALUE', 'CONVERTED_SESSIONS'];
  const columns = ['ORDERS', 'SESSIONS', ...amounts];
  const orders =
    `SELECT USER_ID, COUNT(*) AS ORDERS, 0 AS SESSIONS, COUNT_IF(IS_COMPLETED) AS COMPLETED_ORDERS, SUM(IFF(IS_COMPLETED, QUANTITY, 0)) AS ITEMS_PURCHASED, ` +
    `SUM(IFF(IS_COMPLETED, TOTAL_AMOUNT, 0)) AS LIFETIME_VALUE, 0 AS CONVERTED_SESSIONS FROM ${transactions} GROUP BY USER_ID`;
  const visits = `SELECT USER_ID, 0 AS ORDERS, COUNT(*) AS SESSIONS, 0 AS COMPLETED_ORDERS, 0 AS ITEMS_PURCHASED, 0 AS LIFETIME_VALUE, COUNT_IF(CONVERTED) AS CONVERTED_SESSIONS FROM ${sessions} GROUP BY USER_ID`;
  // Registered customers who never came nor bought have a row of zeros there and none here: they hold no record.
  return {
    table: 'MARTS.CUSTOMER_LIFETIME_VALUE',
    base: `SELECT ${key('USER_ID')}, ${added(columns)} FROM (${orders} UNION ALL ${visits}) AS u GROUP BY USER_ID`,
    rows: `SELECT ${key('USER_ID')}, ${added(columns)} FROM MARTS.CUSTOMER_LIFETIME_VALUE GROUP BY USER_ID`,
    counts: ['ORDERS', 'SESSIONS'],
    amounts,
    method: 'orders and sessions by customer, of all dates, against STAGING and MARTS.USER_SESSIONS; values must agree',
  };
}
