import { type Tier, tiers, tierTraits, type User, wordAt } from './entities.ts';
import { IdStream, Ids } from './ids.ts';
import { AliasTable, hash32, Random, seedOf } from './random.ts';
import { firstNames, lastNames, places, streets } from './vocabulary.ts';

/**
 * Users and products derive from their index and this constant alone, not from a run's seed: the rows that are seeded
 * into PostgreSQL and the events of any run speak of the same shop.
 */
export const domainSeed = 20_240_101;
/** Everything dated in users and products lies before this. */
export const domainEpoch = Date.UTC(2026, 0, 1);

export const userIds = new Ids(domainSeed, IdStream.user);
const tierSeed = seedOf(domainSeed, 101);
const activeSeed = seedOf(domainSeed, 102);
const homeSeed = seedOf(domainSeed, 103);
const detailSeed = seedOf(domainSeed, 104);

const day = 86_400_000;
const placeTable = new AliasTable(places.map((place) => place.weight));
const tierBounds = [0.6, 0.85, 0.97].map((bound) => bound * 4_294_967_296);

/** Position in `tiers` of user `index`. */
export function tierIndexOf(index: number): number {
  const draw = hash32(tierSeed, index) >>> 0;
  let tier = 0;
  for (const bound of tierBounds) if (draw >= bound) tier++;
  return tier;
}

/** Events of a user of this tier relative to bronze, by position in `tiers`. */
export const activityOf: readonly number[] = tiers.map((tier: Tier) => tierTraits[tier].activity);
export const highestActivity = Math.max(...activityOf);

/** 95 % of users; the rest closed their account and cause no events. */
export function isActiveUser(index: number): boolean {
  return hash32(activeSeed, index) >>> 0 < 0.95 * 4_294_967_296;
}

export interface Home {
  houseNumber: number;
  /** Position in `streets`. */
  street: number;
  /** Position in `places`. */
  place: number;
}

const homeRandom = new Random(0);

/** Where user `index` lives; the shipping address and the tax follow from it. */
export function homeOf(index: number): Home {
  homeRandom.reseed(hash32(homeSeed, index));
  return {
    place: placeTable.pick(homeRandom),
    street: homeRandom.below(streets.length),
    houseNumber: 1 + homeRandom.below(240),
  };
}

/** "12 Oak Street, Lyon, France" */
export function addressOf(index: number): string {
  const { houseNumber, street, place } = homeOf(index);
  const { city, country } = wordAt(places, place);
  return `${houseNumber} ${wordAt(streets, street)}, ${city}, ${country}`;
}

/** First instant (ms since 1970) at which user `index` exists; between 2022 and 2025. */
export function registeredAt(index: number): number {
  const from = Date.UTC(2022, 0, 1);
  return from + Math.floor(((hash32(detailSeed, index) >>> 0) / 4_294_967_296) * (domainEpoch - from));
}

/** The full row of user `index` (0, 1, 2, …); the same on every machine and in every run. */
export function userAt(index: number): User {
  const random = new Random(hash32(detailSeed, index ^ 0x5555));
  const firstName = wordAt(firstNames, random.below(firstNames.length));
  const lastName = wordAt(lastNames, random.below(lastNames.length));
  const place = wordAt(places, homeOf(index).place);
  const registered = registeredAt(index);
  const birth = Date.UTC(2007, 0, 1) - random.below(60 * 365) * day;
  const loggedIn = registered + random.unit() * (domainEpoch - registered);
  return {
    user_id: userIds.text(index),
    email: `${asciiOf(firstName)}.${asciiOf(lastName)}.${index}@example.com`,
    first_name: firstName,
    last_name: lastName,
    date_of_birth: isoOf(birth),
    registration_date: isoOf(registered),
    country: place.country,
    city: place.city,
    tier: wordAt(tiers, tierIndexOf(index)),
    is_active: isActiveUser(index),
    last_login: random.below(20) === 0 ? null : isoOf(loggedIn),
  };
}

function asciiOf(name: string): string {
  const plain = name.replaceAll('ø', 'o').replaceAll('Ł', 'L').replaceAll('ł', 'l').normalize('NFD');
  return plain.replaceAll(/[^A-Za-z]/g, '').toLowerCase();
}

/** ISO 8601 UTC with milliseconds. */
export function isoOf(timestampMs: number): string {
  return new Date(timestampMs).toISOString();
}
