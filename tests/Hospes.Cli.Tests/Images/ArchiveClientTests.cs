using System.Security.Cryptography;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Packages;

namespace Hospes.Cli.Tests.Images;

public sealed class ArchiveClientTests : IDisposable
{
    private static readonly byte[] Body = [.. Enumerable.Range(0, 300_000).Select(static i => (byte)(i * 31))];

    private readonly LoopbackServer _server = new();
    private readonly TemporaryFolder _folder = new();
    private readonly ArchiveClient _client = new(TimeSpan.Zero);

    public ArchiveClientTests() => _server.Files["/file"] = Body;

    private Uri Address => new(_server.Address + "/file");

    private string Target => _folder.At("target");

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task AWholeFileStandsUnderItsName()
    {
        long last = 0;
        (await _client.DownloadAsync(Address, Described(Body), Target, done => last = done, default)).ShouldBeNull();
        File.ReadAllBytes(Target).ShouldBe(Body);
        last.ShouldBe(Body.Length);
        Directory.GetFiles(_folder.Path).Length.ShouldBe(1);
    }

    [Fact]
    public async Task AFileThatIsThereIsNotFetchedAgain()
    {
        File.WriteAllBytes(Target, Body);
        (await DownloadAsync()).ShouldBeNull();
        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task ADamagedFileThatIsThereIsFetchedAgain()
    {
        File.WriteAllBytes(Target, [1, 2, 3]);
        (await DownloadAsync()).ShouldBeNull();
        File.ReadAllBytes(Target).ShouldBe(Body);
    }

    [Fact]
    public async Task ABrokenDownloadGoesOnWhereItStopped()
    {
        _server.Troubles["/file"] = first => first == 0 ? (200, 100_000) : (206, int.MaxValue);
        (await DownloadAsync()).ShouldBeNull();
        File.ReadAllBytes(Target).ShouldBe(Body);
        _server.Requests.ShouldBe(["/file", "/file from 100000"]);
    }

    [Fact]
    public async Task ALaterRunGoesOnWhereAnEarlierStopped()
    {
        File.WriteAllBytes(Target + ".part", Body[..5000]);
        (await DownloadAsync()).ShouldBeNull();
        _server.Requests.ShouldBe(["/file from 5000"]);
    }

    [Fact]
    public async Task AServerWithoutRangesIsReadFromTheStart()
    {
        _server.Ranges = false;
        File.WriteAllBytes(Target + ".part", Body[..5000]);
        (await DownloadAsync()).ShouldBeNull();
        File.ReadAllBytes(Target).ShouldBe(Body);
    }

    [Fact]
    public async Task AHalfOfAnotherFileIsThrownAway()
    {
        File.WriteAllBytes(Target + ".part", new byte[5000]);
        (await DownloadAsync()).ShouldBeNull();
        File.ReadAllBytes(Target).ShouldBe(Body);
        _server.Requests.ShouldBe(["/file from 5000", "/file"]);
    }

    [Fact]
    public async Task AnotherChecksumIsRefusedAndNothingIsLeft()
    {
        Failure failure = (await _client.DownloadAsync(Address, Described(new byte[Body.Length]), Target, static _ => { }, default)).ShouldNotBeNull();
        failure.Kind.ShouldBe(FailureKind.Integrity);
        failure.Cause.ShouldContain("does not have the SHA-256 checksum");
        Directory.GetFiles(_folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task ALongerFileIsRefused()
    {
        Failure failure = (await _client.DownloadAsync(Address, Described(Body[..1000]), Target, static _ => { }, default)).ShouldNotBeNull();
        failure.Kind.ShouldBe(FailureKind.Integrity);
        failure.Cause.ShouldContain("is larger than the 1000 bytes");
    }

    [Fact]
    public async Task AShorterFileIsKeptForLater()
    {
        var described = new DescribedFile("file", Body.Length + 1, Described(Body).Sha256);
        Failure failure = (await _client.DownloadAsync(Address, described, Target, static _ => { }, default)).ShouldNotBeNull();
        failure.Kind.ShouldBe(FailureKind.Network);
        File.Exists(Target).ShouldBeFalse();
        File.Exists(Target + ".part").ShouldBeTrue();
    }

    [Theory]
    [InlineData(404, FailureKind.NotThere, "is not there", 1)]
    [InlineData(403, FailureKind.NotThere, "is refused: the server answers 403", 1)]
    [InlineData(503, FailureKind.Network, "the server answers 503", 3)]
    internal async Task AnswersOtherThanTheFileAreNamed(int status, FailureKind kind, string expected, int attempts)
    {
        _server.Troubles["/file"] = _ => (status, 0);
        Failure failure = (await DownloadAsync()).ShouldNotBeNull();
        failure.Kind.ShouldBe(kind);
        failure.Cause.ShouldContain(expected);
        _server.Requests.Count.ShouldBe(attempts);
    }

    [Fact]
    public async Task AServerThatIsNotThereIsNamed()
    {
        _server.Dispose();
        Failure failure = (await DownloadAsync()).ShouldNotBeNull();
        failure.Kind.ShouldBe(FailureKind.Network);
        failure.Cause.ShouldStartWith(Address + " cannot be fetched: ");
        failure.Line.ShouldContain("http_proxy");
    }

    [Fact]
    public async Task DocumentsAreBounded()
    {
        _server.Files["/file"] = new byte[ArchiveClient.LargestDocument + 1];
        (await _client.GetAsync(Address, default)).Failure.ShouldNotBeNull().Kind.ShouldBe(FailureKind.Integrity);
    }

    private static DescribedFile Described(byte[] body) => new("file", body.Length, Convert.ToHexStringLower(SHA256.HashData(body)));

    private Task<Failure?> DownloadAsync() => _client.DownloadAsync(Address, Described(Body), Target, static _ => { }, default);
}
