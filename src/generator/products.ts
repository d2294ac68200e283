import { type Product, tiers, wordAt } from './entities.ts';
import { IdStream, Ids } from './ids.ts';
import { AliasTable, hash32, Random, seedOf } from './random.ts';
import { domainEpoch, domainSeed, isoOf } from './users.ts';
import { adjectives, brands, departments } from './vocabulary.ts';

export const productIds = new Ids(domainSeed, IdStream.product);
const detailSeed = seedOf(domainSeed, 201);
const day = 86_400_000;

/** Money is whole cents inside; rows carry decimals. */
export const decimalOf = (cents: number): number => cents / 100;

interface ProductCents {
  product: Product;
  priceCents: number;
}

/** The full row of product `index` (0 is the most popular); the same on every machine and in every run. */
export function productAt(index: number): Product {
  return describe(index).product;
}

function describe(index: number): ProductCents {
  const random = new Random(hash32(detailSeed, index));
  const department = wordAt(departments, random.below(departments.length));
  const brand = wordAt(brands, random.below(brands.length));
  const noun = wordAt(department.nouns, random.below(department.nouns.length));
  const adjective = wordAt(adjectives, random.below(adjectives.length));
  // Log-even between the bounds, then an ordinary price ending: many cheap products, few dear ones.
  const drawn = department.from * (department.to / department.from) ** random.unit();
  const priceCents = Math.max(199, Math.round(drawn / 100) * 100 - wordAt([1, 1, 5, 50, 100], random.below(5)));
  const costCents = Math.floor(priceCents * (0.45 + 0.35 * random.unit()));
  const name = `${brand} ${adjective} ${noun}`;
  const product: Product = {
    product_id: productIds.text(index),
    name,
    category: department.category,
    subcategory: department.subcategory,
    price: decimalOf(priceCents),
    cost: decimalOf(costCents),
    brand,
    description: `${name} from the ${department.subcategory.toLowerCase()} range by ${brand}.`,
    is_active: random.below(100) >= 3,
    created_at: isoOf(domainEpoch - day * 365 * 2 - Math.floor(random.unit() * day * 365 * 4)),
  };
  return { product, priceCents };
}

/** Path part of a product's page, e.g. "aurora-compact-lamp-12". */
export function slugOf(product: Product, index: number): string {
  return `${product.name.toLowerCase().replaceAll(' ', '-')}-${index}`;
}

/** Does a search find a product? It does when every word of the query is a word of its name, category or subcategory. */
export function matchesQuery(product: Product, query: string): boolean {
  const words = new Set(wordsOf(product));
  return query.split(' ').every((word) => words.has(word));
}

function wordsOf(product: Product): string[] {
  return `${product.name} ${product.category} ${product.subcategory}`.toLowerCase().split(' ');
}

export interface SearchQuery {
  text: string;
  /** Indexes of the products on sale that it finds, popular ones first; never empty. */
  matches: Int32Array;
}

/** Popularity falls as rank^-zipfExponent: the first tenth of 1,000 products draws half of the interest. */
const zipfExponent = 0.9;
/** How strongly a tier leans to dear products: weights grow with (price / mean price)^lean. */
const priceLean = [0, 0.15, 0.3, 0.45];

/** The shop's assortment: products 0 … size - 1 with what is needed to pick them. */
export class Catalogue {
  readonly products: readonly Product[];
  readonly priceCents: Int32Array;
  readonly queries: readonly SearchQuery[];
  private readonly byTier: readonly AliasTable[];
  private readonly queryTable: AliasTable;

  /** @param size number of products, 1 or more */
  constructor(size: number) {
    const described = Array.from({ length: size }, (_, index) => describe(index));
    this.products = described.map((entry) => entry.product);
    this.priceCents = Int32Array.from(described, (entry) => entry.priceCents);
    const mean = this.priceCents.reduce((sum, price) => sum + price, 0) / size;
    // A catalogue so small that nothing in it is on sale sells everything.
    const nothingOnSale = this.products.every((product) => !product.is_active);
    this.byTier = tiers.map((_, tier) => {
      const lean = wordAt(priceLean, tier);
      const weightOf = ({ product, priceCents }: ProductCents, index: number) =>
        product.is_active || nothingOnSale ? (index + 1) ** -zipfExponent * (priceCents / mean) ** lean : 0;
      return new AliasTable(described.map(weightOf));
    });
    this.queries = searchQueries(this.products, nothingOnSale);
    this.queryTable = new AliasTable(this.queries.map((_, rank) => (rank + 1) ** -0.7));
  }

  /** Index of a product as a user of this tier (position in `tiers`) comes upon it. */
  pick(random: Random, tier: number): number {
    return wordAt(this.byTier, tier).pick(random);
  }

  /** Position in `queries`. */
  pickQuery(random: Random): number {
    return this.queryTable.pick(random);
  }
}

function searchQueries(products: readonly Product[], nothingOnSale: boolean): SearchQuery[] {
  const productsOfWord = new Map<string, Set<number>>();
  products.forEach((product, index) => {
    if (!product.is_active && !nothingOnSale) return;
    for (const word of wordsOf(product)) {
      const known = productsOfWord.get(word) ?? new Set();
      productsOfWord.set(word, known.add(index));
    }
  });
  const texts = new Set<string>();
  for (const product of products.slice(0, 250)) {
    const noun = product.name.split(' ').slice(2).join(' ').toLowerCase();
    const brand = product.brand.toLowerCase();
    for (const text of [noun, product.subcategory.toLowerCase(), `${brand} ${noun}`, brand]) texts.add(text);
  }
  return [...texts].flatMap((text) => {
    const [first = new Set<number>(), ...others] = text.split(' ').map((word) => productsOfWord.get(word) ?? new Set());
    const matches = [...first].filter((index) => others.every((other) => other.has(index)));
    return matches.length === 0 ? [] : [{ text, matches: Int32Array.from(matches).sort() }];
  });
}
