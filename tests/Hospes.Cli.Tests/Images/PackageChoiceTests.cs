using FsCheck;
using FsCheck.Fluent;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Packages;

namespace Hospes.Cli.Tests.Images;

/// <summary>What packages need beside themselves.</summary>
public sealed class PackageChoiceTests
{
    private const string Index = """
        Package: base
        Version: 1
        Essential: yes
        Priority: required
        Pre-Depends: awk, libc (>= 2)

        Package: mawk
        Version: 1
        Priority: required
        Provides: awk

        Package: gawk
        Version: 1
        Priority: optional
        Provides: awk

        Package: busy
        Version: 1
        Provides: awk, libc (= 1)

        Package: libc
        Version: 2.36-9

        Package: tool
        Version: 1
        Depends: gawk | mawk, loop:any, fs (= 3) | virtual (>= 2)

        Package: loop
        Version: 1
        Depends: tool

        Package: new
        Version: 1
        Provides: virtual (= 2.1)

        Package: old
        Version: 1
        Priority: important
        Provides: virtual (= 1.9), unversioned

        Package: strict
        Version: 1
        Depends: unversioned (>= 1)

        Package: none
        Version: 1
        Depends: libc (<< 1) | nowhere,
         libc

        """;

    private readonly PackageChoice _choice = Of(Index);

    [Theory]
    [InlineData("base", "base mawk libc")]
    // An alternative that is chosen for another reason counts.
    [InlineData("gawk base", "gawk base libc")]
    [InlineData("tool", "tool gawk loop new")]
    [InlineData("tool mawk", "tool mawk loop new")]
    [InlineData("mawk mawk", "mawk")]
    [InlineData("", "")]
    public void AClosureHasTheFirstAlternativesAndTheProvidersThatSystemsNeedMost(string wanted, string all) => Close(wanted).ShouldBe(all);

    [Theory]
    [InlineData("nothing", "the archive has no package nothing")]
    [InlineData("none", "the archive has nothing for 'libc (<< 1) | nowhere', which none needs")]
    // A name that is provided without a version fulfils no condition (Policy 7.5).
    [InlineData("strict", "the archive has nothing for 'unversioned (>= 1)', which strict needs")]
    public void WhatIsLackingIsNamed(string wanted, string expected)
    {
        _choice.Close(wanted.Split(' ')).Succeeded(out _, out Failure? failure).ShouldBeFalse();
        failure!.Cause.ShouldBe(expected);
    }

    [Fact]
    public void EssentialPackagesAreKnown() => _choice.Essential.ShouldBe(["base"]);

    [Theory]
    [InlineData("<<", false, false, true)]
    [InlineData("<=", false, true, true)]
    [InlineData("=", false, true, false)]
    [InlineData(">=", true, true, false)]
    [InlineData(">>", true, false, false)]
    [InlineData("!=", false, false, false)]
    public void VersionsAreCompared(string comparison, bool newer, bool same, bool older)
    {
        foreach ((string version, bool fits) in new[] { ("1:2.0", newer), ("2.0-1", same), ("2.0~rc1-1", older) })
        {
            PackageChoice choice = Of($"Package: a\nVersion: 1\nDepends: b ({comparison} 2.0-1)\n\nPackage: b\nVersion: {version}\n\n");
            choice.Close(["a"]).Succeeded(out _, out _).ShouldBe(fits, version);
        }
    }

    [Fact]
    public void AnyFieldsEndInAClosureOrAFailure() => Prop.ForAll<NonNull<string>, NonNull<string>>(static (depends, provides) =>
    {
        var file = new DescribedFile("pool/a.deb", 1, new string('0', 64));
        var packages = new Dictionary<string, Package>
        {
            ["a"] = new("a", "1", depends.Get, file) { PreDepends = provides.Get },
            ["b"] = new("b", "2", "a | c, b", file) { Provides = provides.Get },
        };
        new PackageChoice(packages).Close(["b", "a"]).Succeeded(out IReadOnlyList<Package>? all, out Failure? failure);
        (all is null).ShouldBe(failure is not null);
    }).QuickCheckThrowOnFailure();

    private string Close(string wanted)
    {
        _choice.Close(wanted.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Succeeded(out IReadOnlyList<Package>? all, out Failure? failure).ShouldBeTrue(failure?.Cause);
        return string.Join(' ', all!.Select(static package => package.Name));
    }

    private static PackageChoice Of(string index)
    {
        string described = string.Join("\n\n", index.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static stanza => $"{stanza.Trim()}\nFilename: pool/x.deb\nSize: 1\nSHA256: {new string('a', 64)}"));
        PackageIndex.Select(new StringReader(described), static _ => true).Succeeded(out Dictionary<string, Package>? packages, out Failure? failure).ShouldBeTrue(failure?.Cause);
        return new PackageChoice(packages!);
    }
}
