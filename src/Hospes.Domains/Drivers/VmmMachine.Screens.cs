using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers;

internal sealed partial class VmmMachine
{
    public async ValueTask<Outcome<ScreenPicture>> TakePictureAsync(VideoConfig video, int head)
    {
        // The machine writes into its own folder; the picture lives on without its name.
        string path = Path.Combine(_folder, $"screen-{Guid.NewGuid():N}");
        var wish = new JsonObject { ["filename"] = path, ["format"] = "png", ["device"] = video.Alias, ["head"] = head };
        try
        {
            if (await DoAsync("screendump", wish).ConfigureAwait(false) is { } failure) return failure;
            return new ScreenPicture("image/png", new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new DomainFailure(DomainError.System, fault.Message.TrimEnd('.'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Tells the machine what those have to know who want to look; until then it lets nobody in.</summary>
    internal async ValueTask<DomainFailure?> SetPasswordsAsync()
    {
        foreach (GraphicsConfig graphics in Config.Devices.Graphics)
        {
            if (graphics.Password is { } password && await DoAsync("change-vnc-password", new JsonObject { ["password"] = password }).ConfigureAwait(false) is { } failure) return failure;
        }
        return null;
    }

    /// <summary>Where the screen of a machine that was found is seen: its document does not say which port was chosen.</summary>
    private async ValueTask LookForScreenAsync()
    {
        if (Config.Devices.Graphics.Count == 0) return;
        (JsonElement? told, _) = await AskAsync("query-vnc").ConfigureAwait(false);
        int port = told is { } answer && int.TryParse(Word(answer, "service"), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
        Outcome<DomainConfig> placed = ScreenArguments.Place(Config, _folder, _ => port == 0 ? null : port);
        if (placed.Succeeded) Config = placed.Value;
    }
}
