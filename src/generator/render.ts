import { eventTypes, type Product, paymentMethods, transactionStatuses, wordAt } from './entities.ts';
import { IdStream, Ids, uuidLength } from './ids.ts';
import { Code, type Journey } from './journey.ts';
import { partitionHash } from './murmur2.ts';
import { type Catalogue, slugOf } from './products.ts';
import { at, hash32, Random, seedOf } from './random.ts';
import { TimestampWriter, writeBytes, writeCents, writeInteger } from './text.ts';
import { homeOf, userIds } from './users.ts';
import { browsers, devices, loginMethods, places, referrers, searchFilters, streets } from './vocabulary.ts';

/** Free space that every write here needs after its position; records themselves stay well below. */
export const recordRoom = 1024;

const shop = 'https://shop.example.com';
const json = (value: unknown) => JSON.stringify(value);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const ofAll = <T>(values: readonly T[], text: (value: T, index: number) => string) =>
  values.map((value, index) => bytes(text(value, index)));

const closing = bytes('}}');
const eventStart = bytes('{"event_id":"');
const userField = bytes('","user_id":"');
const afterType = ofAll(eventTypes, (type) => `${type}","timestamp":"`);
const referrerFields = ofAll(referrers, (name) => `${name}","duration_seconds":`);
const fromSearch = bytes(',"came_from_search":true}}');
const notFromSearch = bytes(',"came_from_search":false}}');
const cartTotal = bytes(',"cart_total":');
const transactionField = bytes('","transaction_id":"');
const amountField = bytes('","properties":{"amount":');
const orderField = bytes(',"order_id":"');
const orderEnd = bytes('"}}');
const checkoutField = bytes('","properties":{"cart_total":');
const itemCount = bytes(',"item_count":');
const loginFields = ofAll(loginMethods, (method) => `","properties":{"method":"${method}"}}`);
const logoutField = bytes('","properties":{"session_duration_seconds":');
const filterFields = ofAll(Array.from({ length: 2 ** searchFilters.length }), (_, mask) => {
  const chosen = searchFilters.filter((_name, bit) => (mask >> bit) % 2 === 1);
  return `,"filters_applied":${json(chosen)}}}`;
});

const transactionStart = bytes('{"transaction_id":"');
const totalField = bytes(',"total_amount":');
const discountField = bytes(',"discount_amount":');
const taxField = bytes(',"tax_amount":');
const statusFields = ofAll(transactionStatuses, (status) => `,"status":"${status}","payment_method":"`);
const paymentFields = ofAll(paymentMethods, (method) => `${method}","shipping_address":"`);
const streetFields = ofAll(streets, (street) => ` ${street}, `);
const placeFields = ofAll(places, ({ city, country }) => `${city}, ${country}","created_at":"`);
const updatedField = bytes('","updated_at":"');
const transactionEnd = bytes('"}');

/** Fragments of one product, ready to copy. */
interface ProductFragments {
  view: Uint8Array;
  cart: Uint8Array;
  sale: Uint8Array;
}

function fragmentsOf(product: Product, index: number): ProductFragments {
  const id = product.product_id;
  const url = json(`${shop}/products/${slugOf(product, index)}`);
  return {
    view: bytes(`","product_id":"${id}","page_url":${url},"properties":{"view_duration_seconds":`),
    cart: bytes(`","product_id":"${id}","properties":{"quantity":`),
    sale: bytes(`","product_id":"${id}","quantity":`),
  };
}

function pageFragments(catalogue: Catalogue): Uint8Array[] {
  const slug = (text: string) => text.toLowerCase().replaceAll(' ', '-');
  const sections = catalogue.products.map((p) => `/c/${slug(p.category)}/${slug(p.subcategory)}`);
  const paths = ['/', '/', '/', '/deals', '/new', '/account', '/help', ...new Set(sections)];
  return ofAll(paths, (path) => `","page_url":${json(shop + path)},"properties":{"referrer":"`);
}

/** The fixed part of a session's events; longer than any: two UUIDs, names, an address (the test checks). */
const fragmentSize = 224;

/**
 * Turns the step a Journey is at into JSON bytes, out of ready-made fragments: no string is built, nothing is allocated.
 * What has no bearing on later steps (referrers, durations) is drawn here, from the event's own number, so that a run
 * can be recounted without being rendered.
 */
export class Renderer {
  private readonly journey: Journey;
  private readonly eventIds: Ids;
  private readonly sessionIds: Ids;
  private readonly transactionIds: Ids;
  private readonly orderIds: Ids;
  private readonly detailSeed: number;
  private readonly random = new Random(0);
  private readonly timestamps = new TimestampWriter();
  private readonly products: ProductFragments[];
  private readonly queries: Uint8Array[];
  private readonly pages: Uint8Array[];
  private readonly ips: string[];
  /** By slot: the session's fragment, from the user id on; which session it is of; its length; its key's hash. */
  private readonly fragments: Uint8Array[] = [];
  private readonly fragmentSerials: Float64Array;
  private readonly fragmentLengths: Int32Array;
  private readonly keyHashes: Int32Array;

  constructor(options: { journey: Journey; catalogue: Catalogue; ips: number; seed: number }) {
    const { journey, catalogue, ips, seed } = options;
    this.journey = journey;
    this.eventIds = new Ids(seed, IdStream.event);
    this.sessionIds = new Ids(seed, IdStream.session);
    this.transactionIds = new Ids(seed, IdStream.transaction);
    this.orderIds = new Ids(seed, IdStream.order);
    this.detailSeed = seedOf(seed, 301);
    this.products = catalogue.products.map(fragmentsOf);
    this.queries = catalogue.queries.map(({ text, matches }) =>
      bytes(`","search_query":${json(text)},"properties":{"results_count":${matches.length}`),
    );
    this.pages = pageFragments(catalogue);
    this.ips = Array.from({ length: ips }, (_, index) => ipAt(index));
    this.fragmentSerials = new Float64Array(journey.sessions.capacity).fill(-1);
    this.fragmentLengths = new Int32Array(journey.sessions.capacity);
    this.keyHashes = new Int32Array(journey.sessions.capacity);
  }

  /** Kafka's positive murmur2 hash of the step's key. */
  keyHash(): number {
    this.fragment();
    return at(this.keyHashes, this.journey.slot);
  }

  /** The key, the user's id, 36 bytes; may scribble on the recordRoom bytes behind. */
  writeKey(target: Uint8Array, position: number): number {
    target.set(this.fragment(), position);
    return position + uuidLength;
  }

  /** The user event; `eventNumber` is its number within the run, `timestampMs` its time. */
  writeEvent(target: Uint8Array, position: number, eventNumber: number, timestampMs: number): number {
    const { journey } = this;
    position = writeBytes(target, position, eventStart);
    position = this.eventIds.write(target, position, eventNumber);
    position = writeBytes(target, position, userField);
    // Copied whole: what lies behind the fragment's end is overwritten by what follows.
    target.set(this.fragment(), position);
    position += at(this.fragmentLengths, journey.slot);
    position = writeBytes(target, position, wordAt(afterType, journey.type));
    position = this.timestamps.write(target, position, timestampMs);
    this.random.reseed(hash32(this.detailSeed, eventNumber));
    return this.writeOwnFields(target, position, eventNumber, timestampMs);
  }

  private writeOwnFields(target: Uint8Array, position: number, eventNumber: number, timestampMs: number): number {
    const { journey, random } = this;
    const { sessions, slot } = journey;
    switch (journey.type) {
      case Code.pageView:
        position = writeBytes(target, position, pickOf(this.pages, random));
        position = writeBytes(target, position, pickOf(referrerFields, random));
        position = writeInteger(target, position, seconds(random, 180));
        return writeBytes(target, position, closing);
      case Code.productView:
        position = writeBytes(target, position, this.product().view);
        position = writeInteger(target, position, seconds(random, 240));
        return writeBytes(target, position, journey.cameFromSearch ? fromSearch : notFromSearch);
      case Code.search:
        position = writeBytes(target, position, wordAt(this.queries, at(sessions.query, slot)));
        return writeBytes(target, position, pickOf(filterFields, random));
      case Code.addToCart:
      case Code.removeFromCart:
        position = writeBytes(target, position, this.product().cart);
        position = writeInteger(target, position, journey.quantity);
        position = writeBytes(target, position, cartTotal);
        position = writeCents(target, position, at(sessions.cartCents, slot));
        return writeBytes(target, position, closing);
      case Code.purchase:
        position = writeBytes(target, position, transactionField);
        position = this.transactionIds.write(target, position, eventNumber);
        position = writeBytes(target, position, amountField);
        position = writeCents(target, position, journey.sale.totalCents);
        position = writeBytes(target, position, orderField);
        position = this.orderIds.write(target, position, journey.order);
        return writeBytes(target, position, orderEnd);
      case Code.checkoutStart:
        position = writeBytes(target, position, checkoutField);
        position = writeCents(target, position, at(sessions.cartCents, slot));
        position = writeBytes(target, position, itemCount);
        position = writeInteger(target, position, at(sessions.cartItems, slot));
        return writeBytes(target, position, closing);
      case Code.login:
        return writeBytes(target, position, pickOf(loginFields, random));
      default:
        position = writeBytes(target, position, logoutField);
        position = writeInteger(target, position, Math.floor((timestampMs - at(sessions.startedAt, slot)) / 1000));
        return writeBytes(target, position, closing);
    }
  }

  /** The transaction of a purchase; its id derives from the event's number. */
  writeTransaction(target: Uint8Array, position: number, eventNumber: number, timestampMs: number): number {
    const { sale, sessions, slot } = this.journey;
    const home = homeOf(at(sessions.user, slot));
    position = writeBytes(target, position, transactionStart);
    position = this.transactionIds.write(target, position, eventNumber);
    position = writeBytes(target, position, userField);
    position = this.writeKey(target, position);
    position = writeBytes(target, position, this.product().sale);
    position = writeInteger(target, position, sale.quantity);
    position = writeBytes(target, position, unitPriceField);
    position = writeCents(target, position, sale.unitCents);
    position = writeBytes(target, position, totalField);
    position = writeCents(target, position, sale.totalCents);
    position = writeBytes(target, position, discountField);
    position = writeCents(target, position, sale.discountCents);
    position = writeBytes(target, position, taxField);
    position = writeCents(target, position, sale.taxCents);
    position = writeBytes(target, position, wordAt(statusFields, sale.status));
    position = writeBytes(target, position, wordAt(paymentFields, sale.payment));
    position = writeInteger(target, position, home.houseNumber);
    position = writeBytes(target, position, wordAt(streetFields, home.street));
    position = writeBytes(target, position, wordAt(placeFields, home.place));
    position = this.timestamps.write(target, position, timestampMs);
    position = writeBytes(target, position, updatedField);
    position = this.timestamps.write(target, position, timestampMs);
    return writeBytes(target, position, transactionEnd);
  }

  private product(): ProductFragments {
    return wordAt(this.products, this.journey.product);
  }

  /** The fragment of the current session, made at its first use. */
  private fragment(): Uint8Array {
    const { sessions, slot } = this.journey;
    const made = this.fragments[slot];
    const serial = at(sessions.serial, slot);
    if (made !== undefined && at(this.fragmentSerials, slot) === serial) return made;
    const fragment = made ?? new Uint8Array(fragmentSize);
    this.fragments[slot] = fragment;
    this.fragmentSerials[slot] = serial;
    userIds.write(fragment, 0, at(sessions.user, slot));
    this.keyHashes[slot] = partitionHash(fragment, 0, uuidLength);
    let position = writeBytes(fragment, uuidLength, sessionField);
    position = this.sessionIds.write(fragment, position, serial);
    const device = wordAt(devices, at(sessions.device, slot)).name;
    const browser = wordAt(browsers, at(sessions.browser, slot)).name;
    const ip = wordAt(this.ips, at(sessions.ip, slot));
    const rest = `","device_type":"${device}","browser":"${browser}","ip_address":"${ip}","event_type":"`;
    this.fragmentLengths[slot] = writeBytes(fragment, position, Buffer.from(rest, 'latin1'));
    return fragment;
  }
}

const unitPriceField = bytes(',"unit_price":');
const sessionField = bytes('","session_id":"');

const pickOf = (fragments: readonly Uint8Array[], random: Random) => wordAt(fragments, random.below(fragments.length));

/** 1 … limit seconds, short stays likelier than long ones. */
function seconds(random: Random, limit: number): number {
  const draw = random.unit();
  return 1 + Math.floor(draw * draw * limit);
}

/** Address `index` of the pool: public unicast ranges only, so that nothing is mistaken for an internal host. */
function ipAt(index: number): string {
  const draw = hash32(0x1f2e3d4c, index) >>> 0;
  const first = [23, 31, 46, 62, 77, 81, 91, 109, 133, 151, 176, 185, 195, 201, 212, 217][draw >>> 28] ?? 23;
  return `${first}.${(draw >>> 16) & 255}.${(draw >>> 8) & 255}.${1 + ((draw & 255) % 254)}`;
}
