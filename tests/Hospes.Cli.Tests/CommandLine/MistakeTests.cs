using FsCheck;
using FsCheck.Fluent;

namespace Hospes.Cli.Tests.CommandLine;

public sealed class MistakeTests
{
    [Theory]
    [InlineData("hospes: there is no command 'pul'; did you mean 'pull'? see 'hospes image --help'", "image", "pul")]
    [InlineData("hospes: there is no command 'quux'; see 'hospes --help'", "quux")]
    [InlineData("hospes: there is no option '--jsno'; did you mean '--json'? see 'hospes host check --help'", "host", "check", "--jsno")]
    [InlineData("hospes: there is no option '--frobnicate'; see 'hospes image list --help'", "image", "list", "--frobnicate")]
    [InlineData("hospes: IMAGE is missing; see 'hospes image pull --help'", "image", "pull")]
    [InlineData("hospes: --mirror needs a value (URL); see 'hospes image pull --help'", "image", "pull", "debian:12", "--mirror")]
    [InlineData("hospes: --mirror 'ftp://a/b' is no http or https address; see 'hospes image pull --help'", "image", "pull", "debian:12", "--mirror", "ftp://a/b")]
    [InlineData("hospes: --mirror was given more than once; give it once", "image", "pull", "debian:12", "--mirror", "http://a", "--mirror", "http://b")]
    [InlineData("hospes: 'more' is one argument too many; see 'hospes image list --help'", "image", "list", "more")]
    [InlineData("hospes: --output FILE is missing; see 'hospes image initramfs --help'", "image", "initramfs")]
    [InlineData("hospes: there is no image 'fedora:40'; choose one of debian:11, debian:12, debian:13", "image", "pull", "fedora:40")]
    [InlineData("hospes: '@file' is one argument too many; see 'hospes image list --help'", "image", "list", "@file")]
    public async Task AMistakeIsOneLineWithCauseAndRemedy(string expected, params string[] arguments)
    {
        Ran ran = await HospesProgram.InProcessAsync(arguments);
        ran.Error.ShouldBe(expected + "\n");
        ran.Out.ShouldBeEmpty();
        ran.Status.ShouldBe(2);
    }

    [Fact]
    public async Task AProcessEndsWithTheSameLineAndStatus()
    {
        Ran ran = await HospesProgram.ProcessAsync(new Dictionary<string, string>(), "image", "pul");
        ran.ShouldBe(new Ran(2, "", "hospes: there is no command 'pul'; did you mean 'pull'? see 'hospes image --help'\n"));
    }

    [Fact]
    public async Task ControlCharactersOfAnArgumentDoNotReachTheTerminal()
    {
        Ran ran = await HospesProgram.InProcessAsync("image", "pull", "a\e[31m\nb");
        ran.Error.ShouldNotContain("\e");
        ran.Error.Count(static letter => letter == '\n').ShouldBe(1);
    }

    [Fact]
    public async Task WithoutAHomeThereIsNoCache()
    {
        Ran ran = await HospesProgram.InProcessAsync("image", "list");
        ran.ShouldBe(new Ran(2, "", "hospes: there is no folder for fetched images: neither XDG_CACHE_HOME nor HOME is set; set HOME\n"));
    }

    [Fact]
    public void AnyWordsGiveAStatusAndAtMostOneLineOfFailure() =>
        Prop.ForAll<NonNull<string>[]>(words =>
        {
            // Never words that would do work: the first is none of the commands.
            string[] arguments = [.. words.Select(static word => word.Get).Where(static word => !word.StartsWith('[')).Prepend("nothing")];
            Ran ran = HospesProgram.InProcessAsync(arguments).GetAwaiter().GetResult();
            return ran.Error.Count(static letter => letter == '\n') <= 1 && ran.Status is 0 or 2;
        }).QuickCheckThrowOnFailure();
}
