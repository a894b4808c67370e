//! Dates and clocks of the proleptic Gregorian calendar, for any year an `i64` of seconds can reach.

/// A date and a clock without zone; as input, values out of range carry over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year: 0 is the year before 1.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

const SECONDS_PER_DAY: i64 = 86_400;

impl Civil {
    /// Returns the date and clock of `unix` seconds in UTC.
    pub fn from_unix(unix: i64, nanosecond: u32) -> Self {
        let (days, clock) = (unix.div_euclid(SECONDS_PER_DAY), unix.rem_euclid(SECONDS_PER_DAY));
        let (year, month, day) = date_of(days);
        Self {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            nanosecond,
        }
    }

    /// Returns the Unix seconds of the date and clock read as UTC.
    pub fn unix(&self) -> i64 {
        let months = self.month.saturating_sub(1);
        let year = self.year.saturating_add(months.div_euclid(12));
        let days = days_before(year, months.rem_euclid(12) + 1).saturating_add(self.day - 1);
        days.saturating_mul(SECONDS_PER_DAY)
            .saturating_add(self.hour.saturating_mul(3600))
            .saturating_add(self.minute.saturating_mul(60))
            .saturating_add(self.second)
    }

    /// Returns the day of the week, 0 for Sunday.
    pub fn weekday(&self) -> usize {
        let days = days_before(self.year, self.month).saturating_add(self.day - 1);
        // 1 January 1970 was a Thursday
        usize::try_from((days.rem_euclid(7) + 4) % 7).unwrap_or(0)
    }

    /// Returns the day of the year, 1 for 1 January.
    pub fn year_day(&self) -> i64 {
        days_before(self.year, self.month) + self.day - days_before(self.year, 1)
    }
}

/// Tells whether February has 29 days.
pub(super) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns the number of days of a month, 1 to 12.
pub(super) const fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from the Unix epoch to the first day of the month.
fn days_before(year: i64, month: i64) -> i64 {
    // years are counted from March, so that the leap day is the last of its year
    let (year, month) = if month <= 2 {
        (year.saturating_sub(1), month + 9)
    } else {
        (year, month - 3)
    };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.saturating_mul(146_097)
        .saturating_add(day_of_era)
        .saturating_sub(719_468)
}

/// Returns year, month and day of a number of days since the Unix epoch.
const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, day_of_month)
}
