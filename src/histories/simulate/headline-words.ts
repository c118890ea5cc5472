/** What simulated articles are about: bodies, things, towns and causes, as a report tells them and as a headline does. */

/** In a headline, where each is one, so that verbs agree, and as the report calls them. */
export const BODIES: readonly (readonly [headline: string, report: string])[] = [
  ['council', 'The elected members'],
  ['mayor', 'The head of the town'],
  ['school board', 'Those who run the schools'],
  ['fire brigade', 'The crew of the fire station'],
  ['rail company', 'The firm that operates the trains'],
  ['police chief', 'The highest officer'],
  ['youth club', 'A group of young people'],
  ['water board', 'The supplier of drinking water'],
  ['court', 'A judge'],
  ['hospital trust', 'The managers of the clinic'],
  ['growers union', 'The speaker of those who work the land'],
  ['traders guild', 'The alliance of stores in the high street'],
];

export interface Event {
  readonly label: string;
  readonly emoji: string;
  /** Three verbs for it, each in its forms; no verb stands for two events. */
  readonly verbs: readonly [string, string, string];
  /** What the report says of it; THING is the thing as the report calls it. */
  readonly report: string;
}

export const EVENTS: readonly Event[] = [
  {
    label: 'notice',
    emoji: '🚧',
    verbs: ['close closed closes closing', 'block blocked blocks blocking', 'suspend suspended suspends suspending'],
    report: 'put THING out of use until further word',
  },
  {
    label: 'news',
    emoji: '🎉',
    verbs: [
      'reopen reopened reopens reopening',
      'restore restored restores restoring',
      'revive revived revives reviving',
    ],
    report: 'made THING available to everyone again',
  },
  {
    label: 'money',
    emoji: '💰',
    verbs: [
      'fund funded funds funding',
      'finance financed finances financing',
      'sponsor sponsored sponsors sponsoring',
    ],
    report: 'set aside the sum that THING had been waiting for',
  },
  {
    label: 'market',
    emoji: '🔨',
    verbs: [
      'sell sold sells selling',
      'auction auctioned auctions auctioning',
      'offload offloaded offloads offloading',
    ],
    report: 'handed THING over to a private buyer',
  },
  {
    label: 'safety',
    emoji: '🔍',
    verbs: [
      'inspect inspected inspects inspecting',
      'examine examined examines examining',
      'probe probed probes probing',
    ],
    report: 'sent experts to look closely at THING',
  },
  {
    label: 'opinion',
    emoji: '👏',
    verbs: [
      'praise praised praises praising',
      'applaud applauded applauds applauding',
      'commend commended commends commending',
    ],
    report: 'had nothing but kind words for THING',
  },
  {
    label: 'debate',
    emoji: '📢',
    verbs: [
      'defend defended defends defending',
      'champion championed champions championing',
      'uphold upheld upholds upholding',
    ],
    report: 'spoke up for THING against its critics',
  },
  {
    label: 'works',
    emoji: '🧱',
    verbs: [
      'extend extended extends extending',
      'enlarge enlarged enlarges enlarging',
      'expand expanded expands expanding',
    ],
    report: 'agreed on plans that make THING considerably bigger',
  },
];

export const THINGS: readonly (readonly [headline: string, report: string])[] = [
  ['old bridge', 'the crossing over the mill stream'],
  ['library', 'the house where books are lent'],
  ['swimming pool', 'the baths by the meadow'],
  ['night bus', 'the late service to the villages'],
  ['market hall', 'the roofed square of the traders'],
  ['school kitchen', 'the place where pupils have lunch'],
  ['bandstand', 'the stage for open-air concerts'],
  ['ferry', 'the boat across the river'],
  ['rose garden', 'the flower beds behind the church'],
  ['car park', 'the lot where visitors leave their vehicles'],
  ['museum', 'the collection of local history'],
  ['playground', 'the swings and slides of the east side'],
  ['cycle path', 'the track for two-wheelers along the canal'],
  ['town clock', 'the timepiece above the gate'],
  ['repair shop', 'the workshop for broken appliances'],
  ['choir', 'the singers of the parish'],
];

export const TOWNS = [
  ...['Aldham', 'Brixby', 'Corwell', 'Dunmere', 'Eastley', 'Farholt', 'Garsby', 'Hexford', 'Inglow', 'Kelbury'],
  ...[
    'Larkhill',
    'Morfield',
    'Netherby',
    'Oakmoor',
    'Penwick',
    'Quarley',
    'Rosebeck',
    'Sandwell',
    'Thornby',
    'Wexcombe',
  ],
] as const;

export const CAUSES: readonly (readonly [headline: string, report: string])[] = [
  ['after a storm', 'Strong winds had torn at the roofs all night.'],
  ['after long debate', 'The arguments had gone back and forth for months.'],
  ['despite protests', 'A crowd outside had demanded the opposite.'],
  ['after a gift', 'An anonymous cheque had arrived the week before.'],
  ['ahead of the elections', 'Voters go to the polls next month.'],
  ['after an accident', 'Two people were hurt there on Monday.'],
  ['amid rising costs', 'Everything has become dearer, from power to paint.'],
  ['for the jubilee', 'The town is about to turn five hundred.'],
  ['on expert advice', 'Engineers had written a report in the spring.'],
  ['by mistake', 'A clerk had ticked the wrong box, it later turned out.'],
  ['after a petition', 'Four thousand signatures had been collected.'],
  ['before winter', 'The first frost is expected within weeks.'],
];
